(* The topological theorem: a set S of cells that is closed under crossing low facets is not left by low paths. *)
Require Import Reals List ZArith Lra Lia Psatz Bool Classical.
Require Import Isthmus.Vec Isthmus.Net.
Import ListNotations.
Open Scope R_scope.

Lemma finite_choice : forall (A : Type) (d : A) m (Q : nat -> A -> Prop),
  (forall j, (j < m)%nat -> exists p, Q j p) -> exists f, forall j, (j < m)%nat -> Q j (f j).
Proof.
  intros A d m Q. induction m as [|m IH]; intros H.
  - exists (fun _ => d). intros; lia.
  - destruct IH as (f & Hf); [intros; apply H; lia|]. destruct (H m) as (p & Hp); [lia|].
    exists (fun j => if Nat.eqb j m then p else f j). intros j Hj.
    destruct (Nat.eqb_spec j m); [subst; auto|apply Hf; lia].
Qed.

Lemma filter_le : forall (A : Type) (f g : A -> bool) l,
  (forall x, In x l -> g x = true -> f x = true) -> (length (filter g l) <= length (filter f l))%nat.
Proof.
  intros A f g l. induction l as [|a l IH]; intros H; simpl; auto.
  assert (IH' := IH (fun x i => H x (or_intror i))). specialize (H a (or_introl eq_refl)).
  destruct (g a); [rewrite (H eq_refl); simpl; lia|destruct (f a); simpl; lia].
Qed.

Lemma filter_lt : forall (A : Type) (f g : A -> bool) l k,
  (forall x, In x l -> g x = true -> f x = true) -> In k l -> f k = true -> g k = false ->
  (length (filter g l) < length (filter f l))%nat.
Proof.
  intros A f g l k. induction l as [|a l IH]; intros H I fk gk; [destruct I|]. simpl.
  assert (L := filter_le A f g l (fun x i => H x (or_intror i))).
  destruct I as [->|I].
  - rewrite fk, gk. simpl. lia.
  - assert (IH' := IH (fun x i => H x (or_intror i)) I fk gk). specialize (H a (or_introl eq_refl)).
    destruct (g a); [rewrite (H eq_refl); simpl; lia|destruct (f a); simpl; lia].
Qed.

Section Chain.
Variable X Wl : list row.
Variable parb : row -> row -> bool.
Hypothesis par_true : forall x z, In x X -> In z X -> parb x z = true ->
  exists c, c <> 0 /\ forall u, dot z u = c * dot x u.
Hypothesis par_false : forall x z, In x X -> In z X -> parb x z = false ->
  exists v, dot x v = 0 /\ dot z v <> 0.
Hypothesis Wl_in : forall r, In r Wl -> In r X.
Hypothesis Wl_all : forall x, In x X -> exists r, In r Wl /\ parb r x = true.
Hypothesis nonzero : forall x, In x X -> exists v, dot x v <> 0.

Variable m : nat.
Variable P : nat -> rvec.
Variable low : (nat -> rvec) -> (nat -> R) -> Prop.
Variable InS : cell -> Prop.

Definition inside W a c := in_cell X P m W a c.

(* c' is c with neuron j in state s *)
Definition upd (c : cell) (j : nat) (s : state) (c' : cell) : Prop :=
  st c' j = s /\ forall i, i <> j -> st c' i = st c i.

(* q is on the other side of exactly the wall k *)
Definition flips (p : rvec) (k : row) (q : rvec) : Prop := forall z, In z X ->
  if parb k z then dot z p * dot z q < 0 else dot z p * dot z q > 0.

Hypothesis generic_S : forall c j, InS c -> (j < m)%nat -> forall x, In x X -> dot x (P (snd (st c j))) <> 0.

Hypothesis flip_sign : forall c j, InS c -> (j < m)%nat ->
  (exists c', InS c' /\ upd c j (negb (fst (st c j)), snd (st c j)) c') \/
  (forall W a, inside W a c -> (forall x, In x X -> dot x (uvec W a j) = 0) -> ~ low W a).

Hypothesis flip_wall : forall c j k, InS c -> (j < m)%nat -> In k Wl ->
  (exists i', flips (P (snd (st c j))) k (P i') /\
     ((exists c', InS c' /\ upd c j (fst (st c j), i') c') \/
      (forall W a, inside W a c -> dot k (uvec W a j) = 0 -> ~ low W a)))
  \/ (forall q, ~ flips (P (snd (st c j))) k q).

Definition same (p q : rvec) := forall x, In x X -> dot x p * dot x q > 0.

Section AtPoint.
Variable W : nat -> rvec.
Variable a : nat -> R.
Hypothesis is_low : low W a.

Lemma change_sign : forall c j s, InS c -> inside W a c -> (j < m)%nat -> sgn s * a j >= 0 ->
  exists c', InS c' /\ inside W a c' /\ upd c j (s, snd (st c j)) c'.
Proof.
  intros c j s Ic Hc Hj Hs. destruct (Hc j Hj) as [H1 H2].
  destruct (bool_dec (fst (st c j)) s) as [E|E].
  - exists c. split; auto. split; auto. split; auto. rewrite <- E. destruct (st c j); auto.
  - assert (a0 : a j = 0).
    { destruct s, (fst (st c j)); simpl in *; try congruence; unfold sgn in *; lra. }
    assert (s = negb (fst (st c j))) as -> by (destruct s, (fst (st c j)); simpl in *; congruence).
    destruct (flip_sign c j Ic Hj) as [(c' & Ic' & U)|F].
    + exists c'. split; auto. split; auto. destruct U as [U1 U2]. intros i Hi.
      destruct (Nat.eq_dec i j) as [->|N].
      * rewrite U1. simpl. split; [rewrite a0; lra|auto].
      * rewrite U2; auto.
    + exfalso. apply (F W a); auto. intros x Ix. rewrite dot_u, a0, Rabs_R0. ring.
Qed.

Definition opp (p q : rvec) (x : row) : bool := if Rlt_dec (dot x p * dot x q) 0 then true else false.

Lemma change_pattern : forall p' j, (j < m)%nat ->
  (forall x, In x X -> dot x p' <> 0) -> (forall x, In x X -> dot x p' * dot x (uvec W a j) >= 0) ->
  forall N c, InS c -> inside W a c -> (length (filter (opp (P (snd (st c j))) p') X) <= N)%nat ->
  exists c' i', InS c' /\ inside W a c' /\ upd c j (fst (st c j), i') c' /\ same (P i') p'.
Proof.
  intros p' j Hj N' Hp' N. induction N as [|N IH]; intros c Ic Hc Hn.
  - exists c, (snd (st c j)). split; auto. split; auto. split. { split; auto. destruct (st c j); auto. }
    intros x Ix. pose proof (generic_S c j Ic Hj x Ix) as G. pose proof (N' x Ix) as G'.
    destruct (Rtotal_order (dot x (P (snd (st c j))) * dot x p') 0) as [L|[E|H]]; auto.
    + exfalso. assert (I : In x (filter (opp (P (snd (st c j))) p') X)).
      { apply filter_In. split; auto. unfold opp. destruct Rlt_dec; auto; lra. }
      destruct (filter _ X); simpl in *; [auto|lia].
    + apply Rmult_integral in E. tauto.
  - destruct (classic (exists x, In x X /\ dot x (P (snd (st c j))) * dot x p' < 0)) as [Ex|No].
    + destruct (flip X Wl parb par_true par_false Wl_in Wl_all _ p' (generic_S c j Ic Hj) N' Ex)
        as (k & q & Ik & Dk & Hq).
      destruct (Hc j Hj) as [Hc1 Hc2].
      assert (Zu : forall z, In z X -> parb k z = true -> dot z (uvec W a j) = 0).
      { intros z Iz Pz. specialize (Hq z Iz). rewrite Pz in Hq. destruct Hq as [_ Dz].
        pose proof (Hc2 z Iz). pose proof (Hp' z Iz).
        set (A := dot z (P (snd (st c j)))) in *. set (B := dot z p') in *. set (u := dot z (uvec W a j)) in *.
        destruct (Rtotal_order u 0) as [L|[E|G]]; auto; exfalso.
        - assert (A <= 0) by nra. assert (B <= 0) by nra. nra.
        - assert (A >= 0) by nra. assert (B >= 0) by nra. nra. }
      destruct (flip_wall c j k Ic Hj Ik) as [(i' & Fl & [(c' & Ic' & U)|F])|E].
      * assert (Hc' : inside W a c').
        { destruct U as [U1 U2]. intros i Hi. destruct (Nat.eq_dec i j) as [->|Ne]; [|rewrite U2; auto].
          rewrite U1. simpl. split; auto. intros x Ix. specialize (Fl x Ix).
          destruct (parb k x) eqn:Pk.
          - rewrite (Zu x Ix Pk). lra.
          - specialize (Hc2 x Ix). nra. }
        destruct (IH c' Ic' Hc') as (c'' & i'' & I1 & I2 & [I3 I3'] & I4).
        -- apply Nat.lt_succ_r. eapply Nat.lt_le_trans; [|exact Hn].
           destruct U as [U1 U2]. rewrite U1. simpl.
           apply (filter_lt row (opp (P (snd (st c j))) p') (opp (P i') p') X k); auto.
           ++ intros x Ix. specialize (Fl x Ix). specialize (Hq x Ix). unfold opp.
              destruct (parb k x); destruct (Rlt_dec (dot x (P i') * dot x p') 0); try discriminate;
                intros _; destruct (Rlt_dec (dot x (P (snd (st c j))) * dot x p') 0) as [|n]; auto; exfalso; apply n; nra.
           ++ unfold opp. destruct Rlt_dec; auto; lra.
           ++ specialize (Fl k (Wl_in k Ik)). specialize (Hq k (Wl_in k Ik)).
              assert (Pk : parb k k = true).
              { destruct (parb k k) eqn:Pk; auto.
                destruct (par_false k k (Wl_in k Ik) (Wl_in k Ik) Pk) as (v & v1 & v2). tauto. }
              rewrite Pk in *. unfold opp. destruct (Rlt_dec (dot k (P i') * dot k p') 0); auto. exfalso. nra.
        -- exists c'', i''. split; auto. split; auto. split; auto. destruct U as [U1 U2]. split.
           ++ rewrite I3, U1. reflexivity.
           ++ intros i Hi. rewrite I3', U2; auto.
      * exfalso. assert (Pk : parb k k = true).
        { destruct (parb k k) eqn:Pk; auto.
          destruct (par_false k k (Wl_in k Ik) (Wl_in k Ik) Pk) as (v & v1 & v2). tauto. }
        apply (F W a); auto.
      * exfalso. apply (E q). intros z Iz. specialize (Hq z Iz). destruct (parb k z); tauto.
    + apply IH; auto.
      assert (filter (opp (P (snd (st c j))) p') X = []) as ->; [|simpl; lia].
      destruct (filter (opp (P (snd (st c j))) p') X) as [|z l] eqn:Ef; auto. exfalso. apply No. exists z.
      assert (I : In z (filter (opp (P (snd (st c j))) p') X)) by (rewrite Ef; left; auto).
      apply filter_In in I as [Iz Oz]. split; auto. unfold opp in Oz. destruct Rlt_dec; auto; discriminate.
Qed.

Lemma change_all : forall (s' : nat -> bool) (p' : nat -> rvec),
  (forall j, (j < m)%nat -> sgn (s' j) * a j >= 0 /\
     forall x, In x X -> dot x (p' j) <> 0 /\ dot x (p' j) * dot x (uvec W a j) >= 0) ->
  forall c, InS c -> inside W a c ->
  forall k, (k <= m)%nat -> exists c', InS c' /\ inside W a c' /\
    forall j, (j < k)%nat -> fst (st c' j) = s' j /\ same (P (snd (st c' j))) (p' j).
Proof.
  intros s' p' H c Ic Hc k. induction k as [|k IH]; intros Hk.
  - exists c. split; auto. split; auto. intros; lia.
  - destruct IH as (c1 & I1 & H1 & S1); [lia|]. assert (Hkm : (k < m)%nat) by lia. destruct (H k Hkm) as [Hs Hp].
    destruct (change_sign c1 k (s' k) I1 H1 Hkm Hs) as (c2 & I2 & H2 & [U2 V2]).
    destruct (change_pattern (p' k) k Hkm) with (N := length (filter (opp (P (snd (st c2 k))) (p' k)) X)) (c := c2)
      as (c3 & i3 & I3 & H3 & [U3 V3] & S3); auto; try (intros; apply Hp; auto).
    exists c3. split; auto. split; auto. intros j Hj. destruct (Nat.eq_dec j k) as [->|Nj].
    + rewrite U3, U2. simpl. split; auto.
    + rewrite V3, V2; auto. apply S1. lia.
Qed.
End AtPoint.

(* every point lies in some full-dimensional cell *)
Lemma some_cell : forall W a, exists (s' : nat -> bool) (p' : nat -> rvec),
  forall j, (j < m)%nat -> sgn (s' j) * a j >= 0 /\
     forall x, In x X -> dot x (p' j) <> 0 /\ dot x (p' j) * dot x (uvec W a j) >= 0.
Proof.
  intros W a. exists (fun j => if Rle_dec 0 (a j) then true else false).
  destruct (finite_choice rvec (fun _ => 0) m (fun j p => forall x, In x X -> dot x p <> 0 /\ dot x p * dot x (uvec W a j) >= 0))
    as (p' & Hp').
  - intros j Hj. set (u := uvec W a j).
    destruct (generic (map (fun x p => dot x p) X)
                (map (fun x p => dot x u * dot x p) (filter (fun x => if Req_EM_T (dot x u) 0 then false else true) X)) u)
      as (q & q1 & q2).
    + intros F HF. apply in_map_iff in HF as (x & <- & Ix). split; [|apply nonzero; auto].
      intros p v e. apply dot_lin.
    + intros G HG. apply in_map_iff in HG as (x & <- & Ix). apply filter_In in Ix as [Ix Hx].
      destruct Req_EM_T; [discriminate|]. split.
      * intros p v e. rewrite dot_lin. ring.
      * nra.
    + exists q. intros x Ix. split.
      * apply (q2 (fun p => dot x p)). apply in_map_iff. eauto.
      * destruct (Req_dec (dot x u) 0) as [E|N]; [rewrite E; lra|].
        assert (dot x u * dot x q > 0); [|lra]. apply (q1 (fun p => dot x u * dot x p)).
        apply in_map_iff. exists x. split; auto. apply filter_In. split; auto.
        destruct Req_EM_T; auto.
  - exists p'. intros j Hj. split; [|apply Hp'; auto]. unfold sgn. destruct (Rle_dec 0 (a j)); lra.
Qed.

Variable W : R -> nat -> rvec.
Variable a : R -> nat -> R.
Hypothesis W_cont : forall j i, cont01 (fun t => W t j i).
Hypothesis a_cont : forall j, cont01 (fun t => a t j).
Hypothesis path_low : forall t, 0 <= t <= 1 -> low (W t) (a t).

Theorem never_leaves :
  (exists c, InS c /\ inside (W 0) (a 0) c) -> exists c, InS c /\ inside (W 1) (a 1) c.
Proof.
  apply (connected01 (fun t => exists c, InS c /\ inside (W t) (a t) c)).
  intros t Ht.
  assert (Hn : near t (fun s => forall j, (j < m)%nat -> refines (a s j) (a t j) /\
                 forall x, In x X -> refines (dot x (uvec (W s) (a s) j)) (dot x (uvec (W t) (a t) j)))).
  { apply near_lt. intros j Hj. apply near_and.
    - apply (near_refines (fun s => a s j)); auto.
    - apply near_list. intros x Ix. apply (near_refines (fun s => dot x (uvec (W s) (a s) j))); auto.
      apply cont01_dot. intros i. unfold uvec. apply cont01_mult; auto. apply cont01_abs. auto. }
  destruct Hn as (d & Hd & Hn). exists d. split; auto. intros s Hs Hst. specialize (Hn s Hs Hst).
  split.
  - (* a cell that contains theta(s) contains theta(t) *)
    intros (c & Ic & Hc). exists c. split; auto. intros j Hj. destruct (Hc j Hj) as [H1 H2].
    destruct (Hn j Hj) as [[Ra Ra'] Rx]. split.
    + destruct (fst (st c j)); unfold sgn in *; apply Rle_ge; apply Rnot_lt_le; intros L.
      * assert (a s j < 0) by (apply Ra'; lra). lra.
      * assert (a s j > 0) by (apply Ra; lra). lra.
    + intros x Ix. specialize (H2 x Ix). destruct (Rx x Ix) as [R1 R2].
      set (A := dot x (P (snd (st c j)))) in *.
      set (us := dot x (uvec (W s) (a s) j)) in *. set (ut := dot x (uvec (W t) (a t) j)) in *.
      destruct (Rtotal_order ut 0) as [L|[E|G]].
      * apply R2 in L as L'. nra.
      * rewrite E. lra.
      * apply R1 in G as G'. nra.
  - intros (c & Ic & Hc). destruct (some_cell (W s) (a s)) as (s' & p' & H').
    destruct (change_all (W t) (a t) (path_low t Ht) s' p') with (c := c) (k := m) as (c' & Ic' & Hc' & Sc'); auto.
    + intros j Hj. destruct (H' j Hj) as [H1 H2]. destruct (Hn j Hj) as [[Ra Ra'] Rx]. split.
      * destruct (s' j); unfold sgn in *; apply Rle_ge; apply Rnot_lt_le; intros L.
        -- assert (a s j < 0) by (apply Ra'; lra). lra.
        -- assert (a s j > 0) by (apply Ra; lra). lra.
      * intros x Ix. destruct (H2 x Ix) as [H3 H4]. split; auto. destruct (Rx x Ix) as [R1 R2].
        set (A := dot x (p' j)) in *.
        set (us := dot x (uvec (W s) (a s) j)) in *. set (ut := dot x (uvec (W t) (a t) j)) in *.
        destruct (Rtotal_order ut 0) as [L|[E|G]].
        -- apply R2 in L as L'. nra.
        -- rewrite E. lra.
        -- apply R1 in G as G'. nra.
    + exists c'. split; auto. intros j Hj. destruct (Sc' j Hj) as [E Sm]. destruct (H' j Hj) as [H1 H2].
      rewrite E. split; auto. intros x Ix. destruct (H2 x Ix) as [H3 H4]. specialize (Sm x Ix).
      set (A := dot x (P (snd (st c' j)))) in *. set (B := dot x (p' j)) in *.
      set (us := dot x (uvec (W s) (a s) j)) in *. 
      destruct (Rtotal_order us 0) as [L|[E'|G]].
      * assert (B <= 0) by nra. nra.
      * rewrite E'. lra.
      * assert (B >= 0) by nra. nra.
Qed.
End Chain.
