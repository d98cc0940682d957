(* Every network of loss < b lies, up to the order of its neurons, in a listed cell: certificates of
   least loss (no cell listed) and, with Check, of the components of a sublevel set. *)
Require Import Reals List ZArith Lra Lia Psatz Bool Permutation Classical FMapPositive.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Chain Isthmus.Perm Isthmus.Check.
Import ListNotations.
Open Scope R_scope.

Section CoverCheck.
Variable m : nat.
Variable ball : balls.
Variable C : cert.

Definition all_states : list state := flat_map (fun i => [(true, i); (false, i)]) (seq 0 (length (patterns C))).

(* what the values of a list come to together, where there is one for each *)
Fixpoint sumof {A} (w : A -> option Z) (l : list A) : option Z :=
  match l with
  | [] => Some 0%Z
  | a :: l => match w a, sumof w l with Some h, Some t => Some (together ball h t) | _, _ => None end
  end.
Definition sumw (u : dual) : list state -> option Z := sumof (fun s => weight u s None).
Definition covers (u : dual) (l : list state) : bool := match sumw u l with Some t => Z.leb t (d_lim u) | None => false end.

(* a dual vector: its limit, what it says of each state, and what the states so far come to *)
Record run := Run { r_lim : Z; r_at : PositiveMap.t Z; r_sum : Z }.
Definition start (u : dual) : run := Run (d_lim u)
  (fold_right (fun s t => match weight u s None with Some h => PositiveMap.add (code s) h t | None => t end)
     (PositiveMap.empty Z) all_states) 0.
Definition value (r : run) (p : positive) : option Z := PositiveMap.find p (r_at r).
(* those that say something of p, with p *)
Definition extend (rs : list run) (p : positive) : list run :=
  flat_map (fun r => match value r p with Some h => [Run (r_lim r) (r_at r) (together ball h (r_sum r))] | None => [] end) rs.
Definition enough (r : run) : bool := Z.leb (r_sum r) (r_lim r).
(* k more states that are all light cannot break the cover *)
Definition light (k : nat) (r : run) (p : positive) : bool :=
  match value r p with
  | Some h => if shared ball then Z.leb h (r_lim r) else Z.leb (Z.of_nat k * h) (r_lim r - r_sum r)
  | None => false
  end.
(* the states that none of them covers as the last one *)
Fixpoint left_over (rs : list run) (allowed : list positive) : list positive :=
  match rs, allowed with
  | [], _ | _, [] => allowed
  | r :: rs, _ => left_over rs (filter (fun p =>
      match value r p with Some h => Z.ltb (r_lim r) (together ball h (r_sum r)) | None => true end) allowed)
  end.

Fixpoint each (f : list positive -> positive -> bool) (l : list positive) : bool :=
  match l with [] => true | p :: r => f l p && each f r end.

Section Escape.
Variable table : PositiveMap.t (list (list positive)).
Definition listed : list positive -> bool := among false table.

(* every multiset that adds k states of `allowed` to l is listed or covered; a state that had its turn is not
   allowed after it *)
Fixpoint escape (rs : list run) (k : nat) (allowed l : list positive) : bool :=
  match k with
  | O => listed l || existsb enough rs
  | S O => forallb (fun p => listed (p :: l)) (left_over rs allowed)
  | S k' =>
      match find enough rs with
      | Some r =>
          let (lights, heavy) := partition (light k r) allowed in
          each (fun h p => escape (extend rs p) k' (h ++ lights) (p :: l)) heavy
      | None => each (fun h p => escape (extend rs p) k' h (p :: l)) allowed
      end
  end.
End Escape.

Lemma listed_in : forall cells l, listed (buckets cells) l = true -> exists c, In c cells /\ Permutation c l.
Proof. intros cells l H. destruct (among_in false cells l H) as (c & Ic & P). eauto. Qed.

Lemma sumof_perm : forall A (w : A -> option Z) l l', Permutation l l' -> sumof w l = sumof w l'.
Proof.
  intros A w l l' P. induction P as [|a l l' P IH|a b l|l l' l'' P IH P' IH']; cbn [sumof].
  - auto.
  - rewrite IH. auto.
  - destruct (w a), (w b), (sumof w l); auto. unfold together. destruct (shared ball); f_equal; lia.
  - congruence.
Qed.

(* a dual vector with what it says of the states so far *)
Definition runs_on (rs : list run) (l : list positive) : Prop :=
  forall r, In r rs -> exists u, In u (duals C) /\ r_lim r = d_lim u /\ r_at r = r_at (start u) /\ sumof (value r) l = Some (r_sum r).
Definition covered (l : list positive) : Prop :=
  exists u t, In u (duals C) /\ sumof (value (start u)) l = Some t /\ (t <= d_lim u)%Z.
Lemma covered_perm : forall l l', Permutation l l' -> covered l -> covered l'.
Proof. intros l l' P (u & t & Iu & S & L). exists u, t. rewrite (sumof_perm _ _ _ _ P) in S. auto. Qed.
Lemma runs_cover : forall rs l r l' t, runs_on rs l -> In r rs -> sumof (value r) l' = Some t -> (t <= r_lim r)%Z -> covered l'.
Proof.
  intros rs l r l' t Ru Ir S L. destruct (Ru r Ir) as (u & Iu & E1 & E2 & _). exists u, t. rewrite <- E1.
  split; auto. split; auto. unfold value in *. rewrite <- E2. exact S.
Qed.
Lemma extend_runs : forall rs l p, runs_on rs l -> runs_on (extend rs p) (p :: l).
Proof.
  intros rs l p H r I. unfold extend in I. apply in_flat_map in I as (r' & I' & I).
  destruct (H r' I') as (u & Iu & E1 & E2 & S). destruct (value r' p) as [h|] eqn:E; [|destruct I].
  destruct I as [<-|[]]. exists u. cbn [r_lim r_at r_sum]. split; auto. split; auto. split; auto.
  cbn [sumof]. unfold value in *. cbn [r_at]. rewrite E, S. reflexivity.
Qed.

Lemma light_covers : forall r l rest, sumof (value r) l = Some (r_sum r) -> enough r = true ->
  (forall p, In p rest -> light (length rest) r p = true) ->
  exists T, sumof (value r) (rest ++ l) = Some T /\ (T <= r_lim r)%Z.
Proof.
  intros r l rest E Cl. apply Z.leb_le in Cl. remember (length rest) as n eqn:En. intros H.
  assert (G : exists T, sumof (value r) (rest ++ l) = Some T /\
    if shared ball then (T <= r_lim r)%Z else (Z.of_nat n * (T - r_sum r) <= Z.of_nat (length rest) * (r_lim r - r_sum r))%Z).
  { clear En. induction rest as [|p rest IH]; [exists (r_sum r); split; auto; destruct (shared ball); simpl; lia|].
    destruct IH as (T & ET & LT); [intros; apply H; right; auto|]. specialize (H p (or_introl eq_refl)).
    unfold light in H. cbn [sumof app]. destruct (value r p) as [h|]; [|discriminate].
    rewrite ET. exists (together ball h T). split; auto. unfold together.
    destruct (shared ball); apply Z.leb_le in H; cbn [length]; lia. }
  destruct G as (T & ET & LT). exists T. split; auto. destruct (shared ball); auto. rewrite <- En in LT.
  destruct n; [|nia]. destruct rest; [|discriminate]. simpl in ET. rewrite E in ET. injection ET as <-. exact Cl.
Qed.

Lemma left_over_sound : forall l rs allowed p, runs_on rs l -> In p allowed -> In p (left_over rs allowed) \/ covered (p :: l).
Proof.
  intros l. induction rs as [|r rs IH]; intros allowed p Ru I; [left; auto|]. destruct allowed as [|a allowed]; [destruct I|].
  assert (Rr : runs_on rs l) by (intros r' I'; apply Ru; right; auto). cbn [left_over].
  set (f := fun p => match value r p with Some h => Z.ltb (r_lim r) (together ball h (r_sum r)) | None => true end).
  destruct (f p) eqn:F; [apply IH; auto; apply filter_In; auto|]. right.
  destruct (Ru r (or_introl eq_refl)) as (u & Iu & E1 & E2 & S). unfold f in F.
  destruct (value r p) as [h|] eqn:E; [|discriminate]. apply Z.ltb_ge in F.
  apply (runs_cover (r :: rs) l r _ (together ball h (r_sum r)) Ru (or_introl eq_refl)); auto. cbn [sumof]. rewrite E, S. auto.
Qed.

Lemma each_first : forall f heavy lights rest, each f heavy = true ->
  (exists p, In p rest /\ In p heavy) -> (forall p, In p rest -> In p heavy \/ In p lights) ->
  exists h p, f h p = true /\ In p rest /\ forall z, In z rest -> In z h \/ In z lights.
Proof.
  intros f. induction heavy as [|s heavy IH]; intros lights rest H (z & Iz & Hz) A; [destruct Hz|].
  cbn [each] in H. apply andb_prop in H as [H1 H2]. destruct (classic (In s rest)) as [Is|N].
  - exists (s :: heavy), s. auto.
  - apply (IH lights rest H2).
    + exists z. destruct Hz as [<-|Hz]; [contradiction|auto].
    + intros x Ix. destruct (A x Ix) as [[<-|?]|?]; auto. contradiction.
Qed.

Lemma partition_true : forall A (f : A -> bool) l yes no, partition f l = (yes, no) -> forall s, In s yes -> f s = true.
Proof.
  intros A f. induction l as [|a l IH]; intros yes no H s I; cbn [partition] in H.
  - inversion H; subst. destruct I.
  - destruct (partition f l) as [g h] eqn:E. destruct (f a) eqn:F; inversion H; subst.
    + destruct I as [<-|I]; auto. apply (IH g no eq_refl s I).
    + apply (IH yes h eq_refl s I).
Qed.

Lemma escape_sound : forall cells k rs allowed l, runs_on rs l -> escape (buckets cells) rs k allowed l = true ->
  forall rest, length rest = k -> (forall p, In p rest -> In p allowed) ->
  (exists c, In c cells /\ Permutation c (rest ++ l)) \/ covered (rest ++ l).
Proof.
  intros cells. induction k as [|k IH]; intros rs allowed l Ru H rest Lr Hr.
  - destruct rest; [|discriminate]. cbn [escape] in H. simpl. apply orb_prop in H as [H|H].
    + left. apply listed_in, H.
    + apply existsb_exists in H as (r & Ir & P). right. destruct (Ru r Ir) as (u & Iu & E1 & E2 & S).
      apply (runs_cover rs l r l (r_sum r) Ru Ir S). apply Z.leb_le, P.
  - assert (Main : forall p a, In p rest -> (forall z, In z rest -> In z a) ->
      escape (buckets cells) (extend rs p) k a (p :: l) = true ->
      (exists c, In c cells /\ Permutation c (rest ++ l)) \/ covered (rest ++ l)).
    { intros p a Ip Ia Es. apply in_split in Ip as (r1 & r2 & ->).
      assert (P : Permutation ((r1 ++ r2) ++ p :: l) ((r1 ++ p :: r2) ++ l)).
      { rewrite <- !app_assoc. apply Permutation_app_head. apply Permutation_sym. simpl. apply Permutation_middle. }
      destruct (IH (extend rs p) a (p :: l) (extend_runs rs l p Ru) Es (r1 ++ r2)) as [(c & Ic & Pc)|Cu].
      - rewrite app_length in *. simpl in Lr. lia.
      - intros z Iz. apply Ia. apply in_app_iff in Iz as [?|?]; apply in_app_iff; simpl; auto.
      - left. exists c. split; auto. eapply Permutation_trans; eauto.
      - right. apply (covered_perm _ _ P Cu). }
    destruct k as [|k].
    { destruct rest as [|p [|? ?]]; try discriminate. cbn [escape] in H. rewrite forallb_forall in H.
      destruct (left_over_sound l rs allowed p Ru (Hr p (or_introl eq_refl))) as [I|Cu]; [|right; exact Cu].
      left. apply listed_in, (H p I). }
    remember (S k) as k' eqn:Ek. cbn [escape] in H. rewrite Ek in H at 1. destruct (find enough rs) as [r|] eqn:Fr.
    + apply find_some in Fr as [Ir Cr]. destruct (Ru r Ir) as (u & Iu & E1 & E2 & Et).
      destruct (partition (light (S k') r) allowed) as [lights heavy] eqn:Pa.
      assert (Al : forall s, In s rest -> In s heavy \/ In s lights).
      { intros s Is. destruct (proj1 (elements_in_partition _ _ Pa s) (Hr s Is)); auto. }
      destruct (classic (exists s, In s rest /\ In s heavy)) as [Ex|No].
      * destruct (each_first _ _ _ rest H Ex Al) as (h & s & Es & Is & Ah).
        apply (Main s (h ++ lights) Is); auto. intros z Iz. apply in_app_iff. auto.
      * right. destruct (light_covers r l rest Et Cr) as (T & ET & LT); [|exact (runs_cover rs l r _ T Ru Ir ET LT)].
        rewrite Lr. intros s Is. destruct (Al s Is) as [Ih|Il]; [exfalso; apply No; eauto|].
        apply (partition_true _ (light (S k') r) allowed lights heavy); auto.
    + destruct rest as [|s rest]; [discriminate|].
      destruct (each_first _ _ [] (s :: rest) H) as (h & z & Es & Is & Ah).
      { exists s. split; [left; auto|]. apply Hr. left; auto. }
      { intros x Ix. left. auto. }
      apply (Main z h Is); auto. intros x Ix. destruct (Ah x Ix) as [?|[]]. auto.
Qed.

(* what was said of numbers, of states *)
Lemma start_at : forall u s h, value (start u) (code s) = Some h -> weight u s None = Some h.
Proof.
  intros u s h. unfold value, start. cbn [r_at]. induction all_states as [|t l IH]; cbn [fold_right].
  - rewrite PositiveMap.gempty. discriminate.
  - destruct (weight u t None) as [h'|] eqn:E; auto. destruct (Pos.eq_dec (code s) (code t)) as [Ec|N].
    + rewrite Ec, PositiveMap.gss, (code_inj _ _ Ec), E. auto.
    + rewrite PositiveMap.gso by auto. apply IH.
Qed.
Lemma covered_covers : forall c, covered (map code c) -> exists u, In u (duals C) /\ covers u c = true.
Proof.
  intros c (u & t & Iu & S & L). exists u. split; auto. unfold covers.
  assert (E : sumw u c = Some t); [|rewrite E; apply Z.leb_le, L]. clear L. revert t S.
  induction c as [|s c IH]; intros t S; [exact S|]. cbn [map sumof] in S. unfold sumw. cbn [sumof].
  destruct (value (start u) (code s)) as [h|] eqn:E; [|discriminate]. rewrite (start_at u s h E).
  destruct (sumof (value (start u)) (map code c)) as [t'|]; [|discriminate].
  fold (sumw u c). rewrite (IH t' eq_refl). exact S.
Qed.

Theorem escaped : forall k c, length c = k -> (forall s, In s c -> In s all_states) ->
  escape (buckets (map (fun e => map code (states e)) (entries C))) (map start (duals C)) k (map code all_states) [] = true ->
  (exists c0, In c0 (map states (entries C)) /\ Permutation c0 c) \/ (exists u, In u (duals C) /\ covers u c = true).
Proof.
  intros k c L A H. apply escape_sound with (rest := map code c) in H.
  - rewrite app_nil_r in H. destruct H as [(c0 & I0 & P)|Cu]; [|right; apply covered_covers, Cu]. left.
    apply in_map_iff in I0 as (e & <- & Ie). apply Permutation_map_inv in P as (c' & E & P). apply codes_inj in E. subst c'.
    exists (states e). split; [apply in_map, Ie|apply Permutation_sym, P].
  - intros r Ir. apply in_map_iff in Ir as (u & <- & Iu). exists u. auto.
  - rewrite map_length. exact L.
  - intros p Ip. apply in_map_iff in Ip as (s & <- & Is). apply in_map, A, Is.
Qed.

Lemma total_ext : forall u c c' j face k, (forall i, (i < k)%nat -> st c i = st c' i) ->
  total ball u c j face k = total ball u c' j face k.
Proof.
  intros u c c' j face. induction k as [|k IH]; intros H; cbn [total]; auto.
  rewrite IH, (H k); auto.
Qed.

Lemma sumw_total : forall u j c t, (length c <= j)%nat -> sumw u c = Some t -> total ball u c j None (length c) = Some t.
Proof.
  intros u j. induction c as [|s c IH] using rev_ind; intros t L E; [exact E|].
  rewrite app_length in *. simpl length in *. rewrite Nat.add_1_r in *.
  assert (P : sumw u (s :: c) = Some t) by (rewrite <- E; apply sumof_perm; apply Permutation_cons_append).
  unfold sumw in P. cbn [sumof] in P. fold (sumw u c) in P. destruct (weight u s None) as [h|] eqn:Eh; [|discriminate].
  destruct (sumw u c) as [t'|] eqn:Et; [|discriminate]. inversion P; subst t.
  cbn [total]. rewrite (total_ext u (c ++ [s]) c j None (length c)).
  - rewrite (IH t'); auto; [|lia]. destruct (Nat.eqb_spec (length c) j); [lia|].
    unfold st. rewrite app_nth2, Nat.sub_diag by lia. simpl. rewrite Eh. reflexivity.
  - intros i Hi. unfold st. rewrite app_nth1; auto.
Qed.
Lemma sumw_total' : forall u j c t k, length c = k -> (k <= j)%nat -> sumw u c = Some t -> total ball u c j None k = Some t.
Proof. intros u j c t k <- L E. apply sumw_total; auto. Qed.
End CoverCheck.

Section Placed.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable lab : bool.
Variable ball : balls.
Variable bn bd : Z.
Variable strict : bool.
Variable C : cert.
Hypothesis Ck : check X y m d lab ball bn bd strict C = true.
Hypothesis some : (0 < length (patterns C))%nat.

Let P i := vec (pat C i).

(* the table of cones is complete *)
Lemma complete : forall p', (forall x, In x (nz X) -> dot x p' <> 0) ->
  forall N i, (i < length (patterns C))%nat -> (length (filter (opp (P i) p') (nz X)) <= N)%nat ->
  exists i', (i' < length (patterns C))%nat /\ same (nz X) (P i') p'.
Proof.
  intros p' N'.
  pose proof (ok_rows _ _ _ _ _ _ _ _ _ _ Ck) as Rw. unfold check_rows in Rw. rewrite !andb_true_iff in Rw.
  destruct Rw as [[[[[_ _] H3] H2] H1] H0]. rewrite forallb_forall in H3, H2, H1, H0.
  assert (Gen : forall i, (i < length (patterns C))%nat -> forall x, In x (nz X) -> dot x (P i) <> 0).
  { intros i Hi x Ix. unfold P. rewrite <- dotZ_dot. apply not_0_IZR. eapply pat_generic; eauto using Ck. }
  assert (PF : forall x z, In x (nz X) -> In z (nz X) -> parb x z = false -> exists v, dot x v = 0 /\ dot z v <> 0).
  { intros x z Ix Iz E. apply gram_sound. specialize (H2 x Ix). rewrite forallb_forall in H2. specialize (H2 z Iz).
    rewrite E in H2. simpl in H2. apply negb_true_iff, Z.eqb_neq in H2. auto. }
  assert (WI : forall r, In r (walls C) -> In r (nz X)).
  { intros r Ir. specialize (H1 r Ir). apply existsb_exists in H1 as (x & Ix & E).
    apply list_eqb_eq in E; [subst; auto|]. intros u v; apply Z.eqb_eq. }
  assert (WA : forall x, In x (nz X) -> exists r, In r (walls C) /\ parb r x = true).
  { intros x Ix. specialize (H0 x Ix). apply existsb_exists in H0 as (r & Ir & E). eauto. }
  induction N as [|N IH]; intros i Hi Hn.
  - exists i. split; auto. intros x Ix. destruct (Rtotal_order (dot x (P i) * dot x p') 0) as [L|[E|G]]; auto.
    + exfalso. assert (I : In x (filter (opp (P i) p') (nz X))).
      { apply filter_In. split; auto. unfold opp. destruct Rlt_dec; auto; lra. }
      destruct (filter _ (nz X)); simpl in *; [auto|lia].
    + exfalso. apply Rmult_integral in E as [E|E]; [apply (Gen i Hi x Ix E)|apply (N' x Ix E)].
  - destruct (classic (exists x, In x (nz X) /\ dot x (P i) * dot x p' < 0)) as [Ex|No].
    + destruct (flip (nz X) (walls C) parb (fun x z _ _ => parb_sound x z) PF WI WA _ p' (Gen i Hi) N' Ex)
        as (k & q & Ik & Dk & Hq).
      pose proof (WI k Ik) as IkX.
      apply (In_nth _ _ []) in Ik as (n & Hn' & Ek).
      pose proof (side_sound _ _ _ _ _ _ _ _ _ _ Ck i n Hi Hn') as S.
      assert (Ek' : wall C n = k) by exact Ek. rewrite Ek' in S.
      assert (Pk : parb k k = true).
      { destruct (parb k k) eqn:Pk; auto. destruct (PF k k IkX IkX Pk) as (v & v1 & v2). tauto. }
      destruct (nth n _ (Empty [])) as [i'|mu].
      * fold (P i) (P i') in S.
        assert (Hi' : (i' < length (patterns C))%nat).
        { destruct (Nat.lt_ge_cases i' (length (patterns C))) as [|Ge]; auto. exfalso.
          specialize (S k IkX). rewrite Pk in S. unfold P, pat in S.
          rewrite (nth_overflow (patterns C) (Pat [] []) Ge) in S. simpl in S.
          assert (Z : dot k (vec []) = 0) by (apply dot_0; intros [|?]; reflexivity). rewrite Z in S. lra. }
        apply (IH i' Hi'). apply Nat.lt_succ_r. eapply Nat.lt_le_trans; [|exact Hn].
        apply (filter_lt row (opp (P i) p') (opp (P i') p') (nz X) k); auto.
        -- intros x Ix. specialize (S x Ix). specialize (Hq x Ix). unfold opp.
           destruct (parb k x); destruct (Rlt_dec (dot x (P i') * dot x p') 0); try discriminate;
             intros _; destruct (Rlt_dec (dot x (P i) * dot x p') 0) as [|nn]; auto; exfalso; apply nn; nra.
        -- unfold opp. destruct Rlt_dec; auto; lra.
        -- specialize (S k IkX). specialize (Hq k IkX). rewrite Pk in *. unfold opp.
           destruct (Rlt_dec (dot k (P i') * dot k p') 0); auto. exfalso. nra.
      * exfalso. apply (S q). intros z Iz. specialize (Hq z Iz). destruct (parb k z); tauto.
    + apply (IH i Hi). assert (filter (opp (P i) p') (nz X) = []) as ->; [|simpl; lia].
      destruct (filter (opp (P i) p') (nz X)) as [|z l] eqn:Ef; auto. exfalso. apply No. exists z.
      assert (I : In z (filter (opp (P i) p') (nz X))) by (rewrite Ef; left; auto).
      apply filter_In in I as [Iz Oz]. split; auto. unfold opp in Oz. destruct Rlt_dec; auto; discriminate.
Qed.

(* every network lies in a cell *)
Theorem placed : forall W a, exists c, length c = m /\ (forall s, In s c -> In s (all_states C)) /\ in_cell (nz X) P m W a c.
Proof.
  intros W a.
  destruct (some_cell (nz X)) with (m := m) (W := W) (a := a) as (s' & p' & H').
  { pose proof (ok_rows _ _ _ _ _ _ _ _ _ _ Ck) as Rw. unfold check_rows in Rw. rewrite !andb_true_iff in Rw.
    destruct Rw as [[[[[_ _] H3] _] _] _]. rewrite forallb_forall in H3.
    intros x Ix. specialize (H3 x Ix). apply negb_true_iff, Z.eqb_neq, not_0_IZR in H3.
    exists (vec x). rewrite <- dotZ_dot. auto. }
  destruct (finite_choice nat O m (fun j i => (i < length (patterns C))%nat /\ same (nz X) (P i) (p' j))) as (idx & Hidx).
  { intros j Hj. destruct (H' j Hj) as [_ Hp].
    apply (complete (p' j)) with (N := length (filter (opp (P 0) (p' j)) (nz X))) (i := O); auto.
    intros x Ix. apply (Hp x Ix). }
  set (c := map (fun j => (s' j, idx j)) (seq 0 m)).
  assert (Lc : length c = m) by (unfold c; rewrite map_length, seq_length; auto).
  assert (Ec : forall j, (j < m)%nat -> st c j = (s' j, idx j)).
  { intros j Hj. unfold st, c. rewrite (nth_indep _ _ ((fun j => (s' j, idx j)) O)).
    - rewrite (map_nth (fun j => (s' j, idx j))). rewrite seq_nth; auto.
    - rewrite map_length, seq_length; auto. }
  assert (Hc : in_cell (nz X) P m W a c).
  { intros j Hj. rewrite (Ec j Hj). simpl. destruct (H' j Hj) as [Hs Hp]. destruct (Hidx j Hj) as [_ Sm].
    split; auto. intros x Ix. destruct (Hp x Ix) as [Np Sp]. specialize (Sm x Ix).
    set (A := dot x (P (idx j))) in *. set (B := dot x (p' j)) in *. set (u := dot x (uvec W a j)) in *.
    destruct (Rtotal_order u 0) as [L|[E'|G]].
    - assert (B <= 0) by nra. nra.
    - rewrite E'. lra.
    - assert (B >= 0) by nra. nra. }
  exists c. split; auto. split; auto. intros s Is. unfold c in Is. apply in_map_iff in Is as (j & <- & Ij). apply in_seq in Ij.
  destruct (Hidx j) as [Hi _]; [lia|]. unfold all_states. apply in_flat_map. exists (idx j).
  split; [apply in_seq; lia|]. destruct (s' j); simpl; auto.
Qed.
End Placed.

Definition check_cover X y m d lab ball bn bd strict C : bool :=
  check X y m d lab ball bn bd strict C && Nat.ltb 0 (length (patterns C)) &&
  escape ball (buckets (map (fun e => map code (states e)) (entries C))) (map (start C) (duals C)) m (map code (all_states C)) [].

Section CoverSound.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable lab : bool.
Variable ball : balls.
Variable bn bd : Z.
Variable strict : bool.
Variable C : cert.
Hypothesis OK : check_cover X y m d lab ball bn bd strict C = true.

Let P i := vec (pat C i).

Lemma cov_check : check X y m d lab ball bn bd strict C = true.
Proof. pose proof OK as H. unfold check_cover in H. rewrite !andb_true_iff in H. tauto. Qed.
Lemma cov_some : (0 < length (patterns C))%nat.
Proof. pose proof OK as H. unfold check_cover in H. rewrite !andb_true_iff in H. apply Nat.ltb_lt. tauto. Qed.

Theorem cover_sound : forall W a, in_ball m d ball W a -> below bn bd strict (loss X y m W a) ->
  exists c0 f g, In c0 (map states (entries C)) /\ Bij m f g /\
    in_cell (nz X) P m (fun j => W (g j)) (fun j => a (g j)) c0.
Proof.
  intros W a Hb Hl.
  destruct (placed X y m d lab ball bn bd strict C cov_check cov_some W a) as (c & Lc & Ac & Hc).
  pose proof OK as Esc. unfold check_cover in Esc. rewrite !andb_true_iff in Esc. destruct Esc as [_ Esc].
  destruct (escaped ball C m c Lc) as [(c0 & I0 & P0)|(u & Iu & Cu)]; auto.
  - apply (Permutation_Bij _ (true, O)) in P0 as (f & g & B & E).
    assert (L0 : length c0 = m) by (apply (entry_length _ _ _ _ _ _ _ _ _ _ cov_check); auto).
    assert (B' : Bij m f g) by (rewrite <- L0; exact B).
    exists c0, f, g. split; auto. split; auto.
    eapply carry; eauto. intros x Hx. apply E. rewrite <- L0 in Hx. exact Hx.
  - exfalso.
    apply (above_sound X y m d lab ball bn bd strict C cov_check u c m None Iu) with (W := W) (a := a); auto.
    + unfold above. unfold covers in Cu. destruct (sumw ball u c) as [t|] eqn:Et; [|discriminate].
      assert (T : total ball u c m None m = Some t).
      { apply sumw_total'; auto. }
      rewrite T. exact Cu.
    + intros; lia.
Qed.

(* no cell listed: a lower bound of the loss of every network *)
Corollary least_loss : strict = false -> entries C = [] -> forall W a, in_ball m d ball W a -> loss X y m W a >= IZR bn / IZR bd.
Proof.
  intros Es E W a Hb. apply Rnot_lt_ge. intros L'. assert (L : below bn bd strict (loss X y m W a)) by (unfold below; rewrite Es; exact L'). destruct (cover_sound W a Hb L) as (c0 & f & g & I & _).
  rewrite E in I. destruct I.
Qed.
End CoverSound.
