(* The path components of {loss <= b} (in a ball), up to the order of neurons. *)
Require Import Reals List ZArith QArith Qreals Lra Lia Psatz Bool Permutation FMapPositive.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Chain Isthmus.Perm Isthmus.Ball Isthmus.Check Isthmus.Path Isthmus.Exact Isthmus.Cover Isthmus.Connect.
Import ListNotations.
Open Scope R_scope.

(* a low cell: the component it belongs to, a network in it, and moves from there to the network of an
   earlier hub, by its number from 1, or to the representative *)
Record hub := Hub { h_comp : nat; h_net : endpoint; h_moves : list endpoint; h_end : endpoint; h_next : option positive }.

Definition no_hub : hub := Hub 0 [] [] [] None.
Definition rep (comps : list (endpoint * list entry)) k : endpoint := fst (nth k comps ([], [])).
Definition cells_of (all : cert) (comps : list (endpoint * list entry)) k : cert := with_entries all (snd (nth k comps ([], []))).

(* table: of hubs by number; n: that of this one. alike: whether one network is the other, up to the order of neurons or not *)
Definition check_hub X y m d ball c (alike : endpoint -> endpoint -> bool) sds table comps (n : positive) (e : entry) (h : hub) : bool :=
  Nat.ltb (h_comp h) (length comps) && Nat.eqb (length (h_net h)) m && inside sds m (h_net h) (net_sides X m (h_net h)) (states e) &&
  check_path X y m d ball c (h_net h) (h_moves h) (h_end h) &&
  match h_next h with
  | None => alike (rep comps (h_comp h)) (h_end h)
  | Some k =>
      match PositiveMap.find k table with
      | Some to => Pos.ltb k n && Nat.eqb (h_comp to) (h_comp h) && alike (h_net to) (h_end h)
      | None => false
      end
  end.

Fixpoint check_hubs X y m d ball c alike sds table comps (n : positive) (es : list entry) (hs : list hub) : bool :=
  match es, hs with
  | [], [] => true
  | e :: es, h :: hs => check_hub X y m d ball c alike sds table comps n e h && check_hubs X y m d ball c alike sds table comps (Pos.succ n) es hs
  | _, _ => false
  end.

Lemma check_hubs_nth : forall X y m d ball c alike sds table comps hs es n,
  check_hubs X y m d ball c alike sds table comps (Pos.of_succ_nat n) es hs = true ->
  length hs = length es /\ forall k, (k < length es)%nat ->
    check_hub X y m d ball c alike sds table comps (Pos.of_succ_nat (n + k)) (nth k es (Entry [] [] [])) (nth k hs no_hub) = true.
Proof.
  intros X y m d ball c alike sds table comps. induction hs as [|h hs IH]; intros [|e es] n H; cbn [check_hubs] in H; try discriminate.
  - split; auto. simpl. intros; lia.
  - apply andb_prop in H as [H1 H2]. destruct (IH es (S n) H2) as [L G]. split; [simpl; auto|].
    intros [|k] Hk; simpl in *.
    + rewrite Nat.add_0_r. exact H1.
    + rewrite Nat.add_succ_r. apply (G k). lia.
Qed.

(* what leads to an earlier hub *)
Lemma hub_before : forall (hubs : list hub) k n to, PositiveMap.find k (index 1 hubs) = Some to ->
  Pos.ltb k (Pos.of_succ_nat n) = true -> exists i, (i < n)%nat /\ (i < length hubs)%nat /\ nth i hubs no_hub = to.
Proof.
  intros hubs k n to F L. apply (index_nth _ no_hub hubs 0) in F as (i & Hi & E & ->). exists i. split; [|auto].
  apply Pos.ltb_lt, Pos2Nat.inj_lt in L. rewrite !SuccNat2Pos.id_succ in L. simpl in L. lia.
Qed.

(* the cells of each component have all others' representatives outside *)
Definition check_apart X m lab ball (all : cert) comps : bool :=
  forallb (fun i => check_entries m lab ball (cells_of all comps i) &&
    forallb (fun j => Nat.eqb i j ||| check_cut X m lab (rep comps i) (rep comps j) (cells_of all comps i)) (seq 0 (length comps)))
  (seq 0 (length comps)).

Lemma check_apart_sound : forall X y m d lab ball bn bd all comps, check_apart X m lab ball all comps = true ->
  check_shared X y d ball bn bd true all = true ->
  forall i j, (i < length comps)%nat -> (j < length comps)%nat -> i <> j ->
  check_barrier X y m d lab ball bn bd true (rep comps i) (rep comps j) (cells_of all comps i) = true.
Proof.
  intros X y m d lab ball bn bd all comps H S i j Hi Hj N. unfold check_apart in H. rewrite forallb_forall in H.
  specialize (H i (in_seq0 _ _ Hi)). apply andb_prop in H as [H1 H2]. rewrite forallb_forall in H2.
  specialize (H2 j (in_seq0 _ _ Hj)). destruct (Nat.eqb_spec i j) as [E|_]; [contradiction|]. simpl in H2.
  unfold check_barrier, check. rewrite H2, H1, !andb_true_r. exact S.
Qed.

Definition same_net (A B : endpoint) : bool := permb _ neuron_eqb A B.

(* all: certificate with all low cells; hubs: one for each of its entries; comps: representatives, each with
   its own cells *)
Definition check_components X y m d ball bn bd (all : cert) (hubs : list hub) (comps : list (endpoint * list entry)) : bool :=
  let c := (bn # Z.to_pos bd)%Q in
  Z.ltb 0 bd && check_cover X y m d false ball bn bd true all &&
  check_hubs X y m d ball c same_net (pattern_sides X all) (index 1 hubs) comps 1 (entries all) hubs &&
  forallb (fun k => Nat.eqb (length (rep comps k)) m && goodQ X y m d ball c (rep comps k)) (seq 0 (length comps)) &&
  check_apart X m false ball all comps.

Section Linked.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable ball : balls.
Variable bn bd : Z.
Let b := IZR bn / IZR bd.

(* the network W, a, its neurons in some order, is joined to A by a path of loss <= b in the ball *)
Definition linked W a (A : endpoint) : Prop :=
  exists f g, Bij m f g /\ joined X y m d ball b (fun j => W (g j)) (fun j => a (g j)) (W_of A) (a_of A).

Lemma joined_perm : forall f g W a V v, Bij m f g -> joined X y m d ball b W a V v ->
  joined X y m d ball b (fun j => W (g j)) (fun j => a (g j)) (fun j => V (g j)) (fun j => v (g j)).
Proof.
  intros f g W a V v B (U & e & [CU Ce] & U0 & U1 & GU).
  assert (G : forall j, (j < m)%nat -> (g j < m)%nat) by (intros j Hj; apply (B j Hj)).
  exists (fun t j => U t (g j)), (fun t j => e t (g j)). split; [split|split; [|split]].
  - intros j i Hj Hi. apply CU; auto.
  - intros j Hj. apply Ce; auto.
  - intros j Hj. apply U0; auto.
  - intros j Hj. apply U1; auto.
  - intros t Ht. destruct (GU t Ht) as [Q1 Q2]. split.
    + apply (in_ball_bij m d ball g f); auto. apply Bij_sym; auto.
    + rewrite (loss_bij X y m g f (U t) (e t)); auto. apply Bij_sym; auto.
Qed.

Hypothesis Len : forall x, In x X -> (length x <= d)%nat.

Lemma linked_trans : forall f g W a V v A, Bij m f g ->
  joined X y m d ball b (fun j => W (g j)) (fun j => a (g j)) V v -> linked V v A -> linked W a A.
Proof.
  intros f g W a V v A B J (f2 & g2 & B2 & J2). exists (fun x => f2 (f x)), (fun x => g (g2 x)).
  split; [apply Bij_comp; auto|]. apply (joined_perm f2 g2) in J; auto.
  exact (joined_trans X y m d ball b Len _ _ _ _ _ _ J J2).
Qed.

Lemma linked_end : forall W a E T, joined X y m d ball b W a (W_of E) (a_of E) -> length T = m -> Permutation T E -> linked W a T.
Proof.
  intros W a E T J L P. apply (Permutation_Bij _ ([], 0%Q)) in P as (f & g & B & N). rewrite L in B.
  exists f, g. split; auto. apply (joined_perm f g) in J; auto. apply (joined_ext X y m d ball b _ _ _ _ _ _ J).
  intros j Hj. destruct (B j Hj) as (_ & G & _ & FG).
  assert (E1 : nth (g j) E ([], 0%Q) = nth j T ([], 0%Q)) by (rewrite N by (rewrite L; auto); rewrite FG; auto).
  unfold W_of, a_of, qW, qa. rewrite E1. auto.
Qed.
End Linked.

Section Sound.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable ball : balls.
Variable bn bd : Z.
Variable all : cert.
Variable hubs : list hub.
Variable comps : list (endpoint * list entry).
Hypothesis OK : check_components X y m d ball bn bd all hubs comps = true.
Let b := IZR bn / IZR bd.
Let r k := rep comps k.

Theorem components :
  (forall k, (k < length comps)%nat -> in_ball m d ball (W_of (r k)) (a_of (r k)) /\ loss X y m (W_of (r k)) (a_of (r k)) <= b) /\
  (forall W a, in_ball m d ball W a -> loss X y m W a <= b -> exists k, (k < length comps)%nat /\ linked X y m d ball bn bd W a (r k)) /\
  (forall i j, (i < length comps)%nat -> (j < length comps)%nat -> i <> j ->
     ~ linked X y m d ball bn bd (W_of (r i)) (a_of (r i)) (r j)).
Proof.
  pose proof OK as H. unfold check_components in H. rewrite !andb_true_iff in H.
  destruct H as [[[[Hbd Hcov] Hhub] Hrep] Hsep]. apply Z.ltb_lt in Hbd.
  rewrite forallb_forall in Hrep.
  assert (Ec : Q2R (bn # Z.to_pos bd) = b) by (unfold Q2R, b; simpl; rewrite Z2Pos.id; auto).
  pose proof (cov_check _ _ _ _ _ _ _ _ _ _ Hcov) as Ck.
  assert (Len : forall x, In x X -> (length x <= d)%nat).
  { pose proof (ok_rows _ _ _ _ _ _ _ _ _ _ Ck) as Rw. unfold check_rows in Rw. rewrite !andb_true_iff in Rw.
    destruct Rw as [[[[[_ Rw] _] _] _] _]. rewrite forallb_forall in Rw. intros x Ix. apply Nat.leb_le. auto. }
  assert (Lrep : forall k, (k < length comps)%nat -> length (r k) = m /\ good X y m d ball b (W_of (r k)) (a_of (r k))).
  { intros k Hk. specialize (Hrep k (in_seq0 _ _ Hk)). apply andb_prop in Hrep as [R1 R2].
    apply Nat.eqb_eq in R1. apply goodQ_R in R2. rewrite Ec in R2. auto. }
  apply (check_hubs_nth _ _ _ _ _ _ _ _ _ _ _ _ 0) in Hhub as [Hlen Hhub].
  assert (Hlens : forall k, (k < length (entries all))%nat -> Nat.eqb (length (h_net (nth k hubs no_hub))) m = true).
  { intros k Hk. specialize (Hhub k Hk). unfold check_hub in Hhub. rewrite !andb_true_iff in Hhub. apply Hhub. }
  split; [|split].
  - intros k Hk. apply (Lrep k Hk).
  - (* the network of each hub is linked, by those before it *)
    assert (HL : forall n, (n < length hubs)%nat -> let h := nth n hubs no_hub in
      (h_comp h < length comps)%nat /\ linked X y m d ball bn bd (W_of (h_net h)) (a_of (h_net h)) (r (h_comp h))).
    { induction n as [n IH] using lt_wf_ind. intros Hn h. rewrite Hlen in Hn. specialize (Hhub n Hn). simpl in Hhub.
      unfold check_hub in Hhub. fold h in Hhub. rewrite !andb_true_iff in Hhub. destruct Hhub as [[[[K1 _] _] K3] K4].
      apply Nat.ltb_lt in K1. split; auto.
      assert (J : joined X y m d ball b (W_of (h_net h)) (a_of (h_net h)) (W_of (h_end h)) (a_of (h_end h))).
      { destruct (barrier_upper_bound X y m d ball _ _ _ _ K3) as (V & v & PV & V0 & V1 & GV). rewrite Ec in GV.
        exists V, v. split; [exact PV|]. split; [intros j Hj; destruct (V0 j Hj); split; auto|].
        split; [intros j Hj; destruct (V1 j Hj); split; auto|exact GV]. }
      destruct (h_next h) as [k|].
      - destruct (PositiveMap.find k _) as [to|] eqn:F; [|discriminate]. rewrite !andb_true_iff in K4.
        destruct K4 as [[K6 K7] K4]. destruct (hub_before _ _ _ _ F K6) as (i & Hi & Li & <-). apply Nat.eqb_eq in K7.
        apply (permb_perm _ _ neuron_eqb_eq) in K4.
        destruct (IH i Hi Li) as [_ Lk]. rewrite K7 in Lk.
        assert (Lm : length (h_net (nth i hubs no_hub)) = m) by (apply Nat.eqb_eq, Hlens; lia).
        destruct (linked_end X y m d ball bn bd _ _ _ _ J Lm K4) as (f & g & B & J').
        apply (linked_trans X y m d ball bn bd Len f g _ _ _ _ _ B J' Lk).
      - apply (permb_perm _ _ neuron_eqb_eq) in K4. destruct (Lrep _ K1) as [Lr _].
        apply (linked_end X y m d ball bn bd _ _ _ _ J Lr K4). }
    intros W a Hb Hl.
    destruct (cover_sound _ _ _ _ _ _ _ _ _ _ Hcov W a Hb) as (c0 & f & g & I0 & B & Hc).
    { unfold below. exact Hl. }
    pose proof I0 as I0'. apply in_map_iff in I0 as (e & Ee & Ie).
    destruct (In_nth _ _ (Entry [] [] []) Ie) as (n & Hn & En).
    set (h := nth n hubs no_hub).
    destruct (HL n) as [K1 Lh]; [lia|]. fold h in K1, Lh. exists (h_comp h). split; auto.
    specialize (Hhub n Hn). simpl in Hhub. unfold check_hub in Hhub. fold h in Hhub. rewrite En, !andb_true_iff in Hhub.
    destruct Hhub as [[[[_ _] K2] K3] _].
    assert (Hq : is_net m d (h_net h) (W_of (h_net h)) (a_of (h_net h))) by (intros j Hj; split; auto).
    rewrite inside_contains in K2. apply (contains_iff X all m d _ _ _ _ Len Hq) in K2. rewrite Ee in K2.
    assert (Gq : good X y m d ball b (W_of (h_net h)) (a_of (h_net h))).
    { unfold check_path in K3. rewrite !andb_true_iff in K3. destruct K3 as [[[_ K3] _] _].
      apply goodQ_R in K3. rewrite Ec in K3. auto. }
    assert (G : good X y m d ball b (fun j => W (g j)) (fun j => a (g j))).
    { split.
      - apply (in_ball_bij m d ball g f); auto. apply Bij_sym; auto.
      - rewrite (loss_bij X y m g f W a); auto. apply Bij_sym; auto. }
    (* the loss sees nonzero rows only through dot products: zero rows are on every side *)
    apply (linked_trans X y m d ball bn bd Len f g W a _ _ _ B) with (2 := Lh).
    apply (one_cell X y m d ball b Len (fun i => vec (pat all i)) c0); auto.
    intros j x Hj Ix. rewrite <- dotZ_dot. apply not_0_IZR.
    destruct (neuron_ok _ _ _ _ _ _ _ _ _ _ Ck c0 j I0' Hj) as (fl & cr & Ch).
    unfold check_neuron in Ch. rewrite !andb_true_iff in Ch. destruct Ch as [[Ch _] _].
    apply Nat.ltb_lt in Ch. eapply pat_generic; eauto.
  - intros i j Hi Hj Nij (f & g & B & (V & v & PV & V0 & V1 & GV)).
    assert (Sh : check_shared X y d ball bn bd true all = true) by (unfold check in Ck; apply andb_prop in Ck; tauto).
    apply (check_apart_sound X y m d _ ball bn bd all comps) with (i := i) (j := j) in Hsep; auto.
    (* undo the renaming g along the path *)
    assert (Fm : forall x, (x < m)%nat -> (f x < m)%nat) by (intros x Hx; apply (B x Hx)).
    destruct PV as [CV Cv].
    destruct (barrier_lower_bound_gen _ _ _ _ _ _ _ _ _ _ _ _ Hsep (fun t x => V t (f x)) (fun t x => v t (f x))) as (t & Ht & L).
    + split; intros; [apply CV|apply Cv]; auto.
    + intros t Ht. destruct (GV t Ht) as [Q1 _]. apply (in_ball_bij m d ball f g); auto.
    + intros x Hx. destruct (B x Hx) as (Fx & _ & GF & _). destruct (V0 (f x) Fx) as [P1 P2]. rewrite GF in P1, P2.
      split; auto.
    + exists g. split.
      * split; [|split].
        -- intros x Hx. apply (B x Hx).
        -- intros x z Hx Hz E. destruct (B x Hx) as (_ & _ & _ & E1). destruct (B z Hz) as (_ & _ & _ & E2). congruence.
        -- discriminate.
      * intros x Hx. destruct (B x Hx) as (_ & _ & _ & FG). rewrite FG. destruct (V1 x Hx) as [P1 P2]. split; auto.
    + destruct (GV t Ht) as [_ Q2]. cbn beta iota in L.
      rewrite (loss_bij X y m f g (V t) (v t) B) in L. unfold b in Q2. lra.
Qed.
End Sound.
