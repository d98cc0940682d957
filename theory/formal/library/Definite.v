(* Symmetric matrices of integers whose quadratic form is nowhere negative, by elimination; whether neurons are in a
   ball of spectral norms. *)
Require Import Reals List ZArith QArith Qreals Lra Lia Psatz Bool.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Perm Isthmus.Ball.
Import ListNotations.
Open Scope R_scope.

(* the upper half of a matrix: of each row the entry on the diagonal, and those after it *)
Definition upper := list (Z * row).

(* p M - r r^T *)
Fixpoint eliminate (p : Z) (r : row) (M : upper) : upper :=
  match r, M with
  | b :: r, (a, s) :: M => ((p * a - b * b)%Z, lin p s (- b) r) :: eliminate p r M
  | _, _ => []
  end.
Fixpoint nonnegative (n : nat) (M : upper) : bool :=
  match n, M with
  | _, [] => true
  | O, _ => false
  | S n, (p, r) :: M =>
      if Z.leb p 0 then Z.eqb p 0 && zerob r && nonnegative n M else nonnegative n (eliminate p r M)
  end.

(* g al on the diagonal less c times the products of the rows *)
Fixpoint gap (g c : Z) (al : list Z) (rows : list row) : upper :=
  match al, rows with
  | a :: al, r :: rows => ((g * a - c * dotZ r r)%Z, map (fun s => (- (c * dotZ r s))%Z) rows) :: gap g c al rows
  | _, _ => []
  end.

(* ---- what the forms are ---- *)

Definition next (z : rvec) : rvec := fun i => z (S i).
Fixpoint form (M : upper) (z : rvec) : R :=
  match M with [] => 0 | (a, s) :: M => IZR a * (z O * z O) + 2 * z O * dot s (next z) + form M (next z) end.
Fixpoint shaped (M : upper) : Prop := match M with [] => True | (_, s) :: M => length s = length M /\ shaped M end.

Lemma lin_length : forall a x b y, length x = length y -> length (lin a x b y) = length y.
Proof. intros a. induction x as [|p x IH]; intros b [|q y] L; simpl in *; try discriminate; auto. Qed.

Lemma eliminate_form : forall p M r z, length r = length M -> shaped M ->
  length (eliminate p r M) = length M /\ shaped (eliminate p r M) /\ form (eliminate p r M) z = IZR p * form M z - dot r z * dot r z.
Proof.
  intros p. induction M as [|[a s] M IH]; intros [|b r] z L Sh; simpl in L; try discriminate; cbn [eliminate form shaped dot length].
  - repeat split. ring.
  - destruct Sh as [Ls Sh]. destruct (IH r (next z)) as (L1 & S1 & E); auto. fold (next z).
    rewrite L1, lin_length, E, dot_linrow, minus_IZR, !mult_IZR, opp_IZR by lia. repeat split; auto; try lia. ring.
Qed.

Lemma nonnegative_form : forall n M, shaped M -> nonnegative n M = true -> forall z, 0 <= form M z.
Proof.
  induction n as [|n IH]; intros [|[p r] M] Sh H z; cbn [nonnegative form] in *; try lra; try discriminate.
  destruct Sh as [L Sh]. destruct (Z.leb_spec p 0) as [P|P].
  - rewrite !andb_true_iff in H. destruct H as [[H1 H2] H3]. apply Z.eqb_eq in H1. subst p.
    rewrite (dot_zerob r (next z) H2). specialize (IH M Sh H3 (next z)). lra.
  - apply IZR_lt in P. destruct (eliminate_form p M r (next z) L Sh) as (_ & S1 & E). specialize (IH _ S1 H (next z)). rewrite E in IH.
    set (v := dot r (next z)) in *. set (q := IZR p) in *. set (f := form M (next z)) in *.
    apply Rmult_le_reg_l with q; auto. rewrite Rmult_0_r.
    assert (K : q * (q * (z O * z O) + 2 * z O * v + f) = (q * z O + v) * (q * z O + v) + (q * f - v * v)) by ring.
    rewrite K. pose proof (Rle_0_sqr (q * z O + v)) as S2. unfold Rsqr in S2. lra.
Qed.

Fixpoint mixed (rows : list row) (z : rvec) (i : nat) : R :=
  match rows with [] => 0 | r :: rows => z O * vec r i + mixed rows (next z) i end.
Fixpoint weighed (al : list Z) (z : rvec) : R :=
  match al with [] => 0 | a :: al => IZR a * (z O * z O) + weighed al (next z) end.

Lemma gap_shaped : forall g c al rows, length al = length rows -> shaped (gap g c al rows) /\ length (gap g c al rows) = length rows.
Proof.
  intros g c. induction al as [|a al IH]; intros [|r rows] L; simpl in L; try discriminate; cbn [gap shaped length]; auto.
  destruct (IH rows) as [I1 I2]; [lia|]. rewrite map_length. auto.
Qed.

Lemma dotZ_sumlt : forall d r s, (length r <= d)%nat -> IZR (dotZ r s) = sumlt d (fun i => vec r i * vec s i).
Proof. intros d r s L. rewrite dotZ_dot, (dot_sumlt r d); auto. Qed.

Lemma gap_form : forall d g c al rows z, length al = length rows -> (forall r, In r rows -> (length r <= d)%nat) ->
  form (gap g c al rows) z = IZR g * weighed al z - IZR c * sumlt d (fun i => mixed rows z i * mixed rows z i).
Proof.
  intros d g c. induction al as [|a al IH]; intros [|r rows] z L Lr; simpl in L; try discriminate; cbn [gap form mixed weighed].
  - rewrite (sumlt_scale d 0 (fun _ => 0)). ring.
  - assert (E : dot (map (fun s => (- (c * dotZ r s))%Z) rows) (next z) = - IZR c * sumlt d (fun i => vec r i * mixed rows (next z) i)).
    { assert (Lr1 : (length r <= d)%nat) by (apply Lr; left; auto). generalize (next z). clear -Lr1. induction rows as [|s rows IH]; intros z; cbn [map dot mixed].
      - rewrite (sumlt_ext d _ (fun _ => 0 * 0)), sumlt_scale by (intros; ring). ring.
      - fold (next z). rewrite IH, opp_IZR, mult_IZR, (dotZ_sumlt d r s Lr1).
        rewrite (sumlt_ext d (fun i => vec r i * (z O * vec s i + mixed rows (next z) i)) (fun i => z O * (vec r i * vec s i) + vec r i * mixed rows (next z) i)) by (intros; ring).
        rewrite sumlt_plus, sumlt_scale. ring. }
    rewrite E, IH, minus_IZR, !mult_IZR, (dotZ_sumlt d r r) by (try lia; intros; apply Lr; simpl; auto).
    rewrite (sumlt_ext d (fun i => (z O * vec r i + mixed rows (next z) i) * (z O * vec r i + mixed rows (next z) i))
      (fun i => z O * z O * (vec r i * vec r i) + (2 * z O * (vec r i * mixed rows (next z) i) + mixed rows (next z) i * mixed rows (next z) i))) by (intros; ring).
    rewrite !sumlt_plus, !sumlt_scale. ring.
Qed.

Lemma weighed_seq : forall g m n z, weighed (map g (seq n m)) z = sumlt m (fun j => IZR (g (n + j)%nat) * (z j * z j)).
Proof.
  intros g. induction m as [|m IH]; intros n z; [reflexivity|]. cbn [seq map weighed]. rewrite sumlt_first, IH, Nat.add_0_r. f_equal.
  apply sumlt_ext. intros j Hj. rewrite Nat.add_succ_r. reflexivity.
Qed.
Lemma mixed_seq : forall g i m n z, mixed (map g (seq n m)) z i = sumlt m (fun j => z j * vec (g (n + j)%nat) i).
Proof.
  intros g i. induction m as [|m IH]; intros n z; [reflexivity|]. cbn [seq map mixed]. rewrite sumlt_first, IH, Nat.add_0_r. f_equal.
  apply sumlt_ext. intros j Hj. rewrite Nat.add_succ_r. reflexivity.
Qed.
Lemma total_seq : forall g m n, IZR (fold_right Z.add 0%Z (map g (seq n m))) = sumlt m (fun j => IZR (g (n + j)%nat)).
Proof.
  intros g. induction m as [|m IH]; intros n; [reflexivity|]. cbn [seq map fold_right]. rewrite sumlt_first, plus_IZR, IH, Nat.add_0_r. f_equal.
  apply sumlt_ext. intros j Hj. rewrite Nat.add_succ_r. reflexivity.
Qed.

(* ---- rational neurons, times a common denominator ---- *)

Definition common (l : list Q) : Z := fold_right (fun q k => Z.lcm (Zpos (Qden q)) k) 1%Z l.
Definition times (k : Z) (q : Q) : Z := (Qnum q * (k / Zpos (Qden q)))%Z.

(* |sum z_j u_j| <= (p / q) |b z| for all z, where b is v, or where they share it v over its norm *)
Definition boundedQ (m d : nat) (share : bool) (p q : Z) (v : nat -> Q) (u : nat -> nat -> Q) : bool :=
  let us := map (fun j => map (fun i => Qred (u j i)) (seq 0 d)) (seq 0 m) in let vs := map (fun j => Qred (v j)) (seq 0 m) in
  let k := common (concat us) in let e := common vs in
  let rows := map (map (times k)) us in let al := map (fun x => times e x * times e x)%Z vs in
  let l := if share then fold_right Z.add 0%Z al else (e * e)%Z in
  Z.ltb 0 k && Z.ltb 0 e &&
  forallb (forallb (fun x => Z.eqb (times k x * Zpos (Qden x)) (Qnum x * k))) us &&
  forallb (fun x => Z.eqb (times e x * Zpos (Qden x)) (Qnum x * e)) vs &&
  nonnegative m (gap (p * p * k * k) (q * q * l) al rows).

Lemma boundedQ_R : forall m d share p q v u, boundedQ m d share p q v u = true -> 0 < IZR q -> 0 <= IZR p / IZR q ->
  let n := if share then norm m (fun j => Q2R (v j)) else 1 in n <> 0 ->
  bounded m d (fun j i => Q2R (u j i)) (fun j => Q2R (v j) / n) (IZR p / IZR q).
Proof.
  intros m d share p q v u H Hq Hr n Hn. unfold boundedQ in H.
  set (us := map (fun j => map (fun i => Qred (u j i)) (seq 0 d)) (seq 0 m)) in *. set (vs := map (fun j => Qred (v j)) (seq 0 m)) in *.
  cbv zeta in H. set (k := common (concat us)) in *. set (e := common vs) in *.
  set (rows := map (map (times k)) us) in *. set (al := map (fun x => times e x * times e x)%Z vs) in *.
  rewrite !andb_true_iff in H. destruct H as [[[[Hk He] Hu] Hv] H]. apply Z.ltb_lt, IZR_lt in Hk, He.
  rewrite forallb_forall in Hu, Hv.
  assert (One : forall c x, Z.eqb (times c x * Zpos (Qden x)) (Qnum x * c) = true -> IZR (times c x) = IZR c * Q2R x).
  { intros c x E. apply Z.eqb_eq, (f_equal IZR) in E. rewrite !mult_IZR in E. unfold Q2R.
    assert (P : IZR (Zpos (Qden x)) <> 0) by (apply not_0_IZR; discriminate). apply Rmult_eq_reg_r with (IZR (Zpos (Qden x))); auto.
    rewrite E. field. auto. }
  assert (Q2Rr : forall x, Q2R (Qred x) = Q2R x) by (intros; apply Qeq_eqR, Qred_correct).
  assert (Ll : length al = length rows) by (unfold al, rows, us, vs; rewrite !map_length; auto).
  assert (Lr : forall r, In r rows -> (length r <= d)%nat).
  { intros r Ir. unfold rows, us in Ir. rewrite map_map in Ir. apply in_map_iff in Ir as (j & <- & _). rewrite !map_length, seq_length. auto. }
  set (l := if share then fold_right Z.add 0%Z al else (e * e)%Z) in *.
  destruct (gap_shaped (p * p * k * k) (q * q * l) al rows Ll) as [Sh _]. intros z.
  pose proof (nonnegative_form _ _ Sh H z) as F. rewrite (gap_form d) in F by auto.
  (* in the reals *)
  assert (Ea : forall j, (j < m)%nat -> IZR (times e (Qred (v j)) * times e (Qred (v j))) = IZR e * IZR e * (Q2R (v j) * Q2R (v j))).
  { intros j Hj. rewrite mult_IZR, One, Q2Rr; [ring|]. apply Hv. unfold vs. apply in_map_iff. exists j. split; auto. apply in_seq. lia. }
  assert (Eu : forall j i, (j < m)%nat -> (i < d)%nat -> vec (map (times k) (map (fun i => Qred (u j i)) (seq 0 d))) i = IZR k * Q2R (u j i)).
  { intros j i Hj Hi. unfold vec. rewrite map_map, (nth_indep _ _ ((fun i => times k (Qred (u j i))) O)) by (rewrite map_length, seq_length; auto).
    rewrite (map_nth (fun i => times k (Qred (u j i)))), seq_nth, Nat.add_0_l by auto. rewrite One, Q2Rr; auto.
    assert (I : In (map (fun i => Qred (u j i)) (seq 0 d)) us) by (unfold us; apply in_map_iff; exists j; split; auto; apply in_seq; lia).
    specialize (Hu _ I). rewrite forallb_forall in Hu. apply Hu. apply in_map_iff. exists i. split; auto. apply in_seq. lia. }
  assert (El : IZR l = IZR e * IZR e * (n * n)).
  { unfold l, n. destruct share; [|rewrite mult_IZR; ring]. unfold al, vs. rewrite map_map, total_seq, norm_sqr.
    rewrite <- sumlt_scale. apply sumlt_ext. intros j Hj. rewrite Nat.add_0_l, Ea; auto. }
  unfold al, rows, us, vs in F. rewrite !map_map, weighed_seq in F.
  rewrite (sumlt_ext d _ (fun i => IZR k * IZR k * (sumlt m (fun j => z j * Q2R (u j i)) * sumlt m (fun j => z j * Q2R (u j i))))) in F.
  2:{ intros i Hi. rewrite mixed_seq, (sumlt_ext m _ (fun j => IZR k * (z j * Q2R (u j i)))), sumlt_scale; [ring|].
      intros j Hj. rewrite Nat.add_0_l, Eu by auto. ring. }
  rewrite (mult_IZR (q * q)), El in F. rewrite (sumlt_ext m (fun j => IZR (times e (Qred (v (0 + j)%nat)) * times e (Qred (v (0 + j)%nat))) * (z j * z j))
    (fun j => IZR e * IZR e * ((Q2R (v j) * z j) * (Q2R (v j) * z j)))) in F by (intros j Hj; rewrite Nat.add_0_l, Ea by auto; ring).
  rewrite !sumlt_scale, <- !norm_sqr, !mult_IZR in F.
  rewrite (norm_ext m (fun j => Q2R (v j) / n * z j) (fun j => / n * (Q2R (v j) * z j))) by (intros; unfold Rdiv; ring).
  assert (N : 0 < n) by (unfold n in *; destruct share; [pose proof (norm_pos m (fun j => Q2R (v j)))|]; lra).
  rewrite norm_scale, Rabs_right by (left; apply Rinv_0_lt_compat; auto).
  pose proof (norm_pos d (fun i => sumlt m (fun j => z j * Q2R (u j i)))) as X0. pose proof (norm_pos m (fun j => Q2R (v j) * z j)) as V0.
  set (x := norm d (fun i => sumlt m (fun j => z j * Q2R (u j i)))) in *. set (y := norm m (fun j => Q2R (v j) * z j)) in *.
  set (K := IZR k) in *. set (E := IZR e) in *. set (q' := IZR q) in *. set (r := IZR p / q') in *.
  assert (Ep : IZR p = r * q') by (unfold r; field; lra). rewrite Ep in F. clearbody r.
  (* q n x <= p y *)
  apply Rmult_le_reg_l with (K * E * q' * n); [repeat (apply Rmult_lt_0_compat; auto)|].
  replace (K * E * q' * n * (r * (/ n * y))) with (K * E * q' * r * y) by (field; lra).
  assert (Y : 0 <= K * E * q' * r * y) by (repeat apply Rmult_le_pos; auto using Rlt_le).
  apply Rnot_lt_le. intros L. assert (K * E * q' * r * y * (K * E * q' * r * y) < K * E * q' * n * x * (K * E * q' * n * x)) by (apply Rmult_le_0_lt_compat; auto).
  lra.
Qed.
